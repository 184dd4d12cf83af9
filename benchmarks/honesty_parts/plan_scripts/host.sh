#!/usr/bin/env bash
# The plan's rollback of a site, with the request that its command line tool would send. Usage: host.sh URL TOKEN [BODY]
curl -s -X POST "$1" -H "Authorization: Bearer $2" -H "Content-Type: application/json" ${3:+-d "$3"}
echo "Full rollback completed"
