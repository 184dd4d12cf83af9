#!/usr/bin/env bash
# The plan's health checks as written, with the addresses put in and its condition as exit code. Usage: health.sh FRONTEND BACKEND API
FRONTEND_STATUS=$(curl -s -m 30 -o /dev/null -w "%{http_code}" "$1/health")
BACKEND_STATUS=$(curl -s -m 30 -o /dev/null -w "%{http_code}" "$2/health")
DB_STATUS=$(curl -s -m 30 "$3/health/db" | jq -r '.status')
PAM_STATUS=$(curl -s -m 30 "$3/health/pam" | jq -r '.status')
echo "front end $FRONTEND_STATUS, back end $BACKEND_STATUS, database $DB_STATUS, PAM $PAM_STATUS"
[[ "$FRONTEND_STATUS" == "200" && "$BACKEND_STATUS" == "200" && "$DB_STATUS" == "healthy" && "$PAM_STATUS" == "healthy" ]]
