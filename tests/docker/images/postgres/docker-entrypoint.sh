#!/usr/bin/env bash
# Makes the database on an empty volume, with the user, the password and the scripts that it is
# given, and becomes the server.
set -euo pipefail

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown -R postgres "$PGDATA" /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_USER:?}" "${POSTGRES_DB:?}" "${POSTGRES_PASSWORD_FILE:?}"
  chmod 700 "$PGDATA"
  initdb --set=listen_addresses='*' --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE"
  printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  pg_ctl -w -o "-c listen_addresses=''" start
  export PGHOST=/var/run/postgresql PGUSER=$POSTGRES_USER
  createdb "$POSTGRES_DB"
  for script in /docker-entrypoint-initdb.d/*.sql; do
    psql -v ON_ERROR_STOP=1 -d "$POSTGRES_DB" -f "$script"
  done
  pg_ctl -w -m fast stop
fi
exec "$@"
