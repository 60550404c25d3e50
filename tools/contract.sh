#!/bin/sh
# Our Twilio client and its double against Twilio's published specification, the double behind Prism.
# Needs Node and npm; what it installs stays in build/contract.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
place=build/contract
modules=$place/node_modules
specification=$modules/@twilio/cli-core/src/services/twilio-api/twilio_api_v2010.json

command -v npm >/dev/null || { echo "make contract needs Node and npm." >&2; exit 2; }
if ! [ -x $modules/.bin/prism ] || ! [ -f $specification ]; then
    mkdir -p $place
    npm install --prefix $place --ignore-scripts --no-save --no-package-lock --no-audit --no-fund --loglevel=error \
        @stoplight/prism-cli@5.14.2 @twilio/cli-core@8.3.2
fi
$python tools/twilio_contract.py check $specification
PRISM=$(pwd)/$modules/.bin/prism PRISM_SPECIFICATION=$(pwd)/$specification \
    $python -m pytest -n0 -q tests/gateways/test_twilio.py
