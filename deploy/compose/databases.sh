#!/bin/sh
# Gives each service a database and a role that can open no other. PostgreSQL's image runs this once, when its volume is new.
# The passwords are those of the URLs that the services read.
set -eu

for service in users orders inventory; do
    password=$(sed -n 's|^postgres://[^:]*:\([^@]*\)@.*|\1|p' "/run/secrets/${service}_database_url")
    psql --username postgres --no-psqlrc --quiet -v ON_ERROR_STOP=1 -v service="$service" -v password="$password" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
SQL
done
psql --username postgres --no-psqlrc --quiet -v ON_ERROR_STOP=1 -c 'REVOKE ALL ON DATABASE postgres FROM PUBLIC'
