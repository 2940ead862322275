-- The least rights that sheetbridge works with, on MariaDB 10.5 and later. No SUPER, no RELOAD, no PROCESS.
--
-- Fill in and run as an administrator, once, the last statement once for each linked table:
--
--   sed -e 's/{user}/sheetbridge/g' -e 's/{host}/localhost/g' -e 's/{state}/sheetbridge/g' \
--       -e 's/{app}/shop/g' -e 's/{table}/orders/g' grants-mariadb.sql | mariadb
--
-- {user}, {host}  the daemon's account; it must exist:
--                 CREATE USER 'sheetbridge'@'localhost' IDENTIFIED BY '...';
--                 or without a password over the unix socket (plugin unix_socket):
--                 CREATE USER 'sheetbridge'@'localhost' IDENTIFIED VIA unix_socket;
-- {state}         the daemon's own schema, [mysql] state_schema in its configuration; an underscore in it is written `\_`,
--                 because the name of a whole database is a pattern in a GRANT
-- {app}, {table}  a linked table

-- Reading the binary log as a replica does, and asking where it stands and what is left of it (BINLOG MONITOR is the
-- name of REPLICATION CLIENT since 10.5.2).
GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO '{user}'@'{host}';

-- The daemon's memory. CREATE, ALTER and INDEX can be revoked after the first start; an upgrade asks for them again.
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX ON `{state}`.* TO '{user}'@'{host}';

-- A linked table. Where the sheet is only to show it, SELECT is enough. Other tables stay out of sight: parents of foreign
-- keys among them, so that a refused edit names the constraint and not the parent's columns.
GRANT SELECT, INSERT, UPDATE, DELETE ON `{app}`.`{table}` TO '{user}'@'{host}';

-- Not needed: with this right the daemon's own writes take about a third of the space in the binary log. It sets
-- binlog_row_image to MINIMAL and binlog_annotate_row_events to OFF in the sessions that write its memory and nothing else;
-- the images of your tables stay as they are. (MariaDB has no narrower right for it: this one may purge binary logs too.)
-- GRANT BINLOG ADMIN ON *.* TO '{user}'@'{host}';
