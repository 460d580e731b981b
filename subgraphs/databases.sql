-- A database for each service; run once, when the PostgreSQL volume is made.
CREATE DATABASE users;
CREATE DATABASE orders;
CREATE DATABASE inventory;
