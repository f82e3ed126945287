# Makes the configuration of the image: config/server.json with the database of config/postgres.json. What asks for the state
# of a container every few seconds is not logged.
#   cmake -DFROM=config -DTO=FILE -P docker/config.cmake
file(READ ${FROM}/server.json all)
file(READ ${FROM}/postgres.json postgres)
string(JSON pg GET "${postgres}" databases pg)
string(JSON all SET "${all}" databases pg "${pg}")
string(JSON all SET "${all}" log skip "[\"/healthz\", \"/readyz\", \"/metrics\"]")
string(JSON all SET "${all}" "$schema" "\"server.schema.json\"")
file(WRITE ${TO} "${all}\n")
