-- A database for each service. PostgreSQL runs this once, when its volume is created.
CREATE DATABASE users;
CREATE DATABASE orders;
CREATE DATABASE inventory;
