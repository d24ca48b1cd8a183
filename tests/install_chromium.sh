#!/bin/sh
# Browser tests need Chromium. Where there is none, Debian's is installed if that is allowed; else they skip and say so.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if ! command -v apt-get >/dev/null 2>&1; then
    echo "no Chromium and no apt-get: the browser's tests will be skipped" >&2
    exit 0
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        echo "no Chromium and no right to install it: the browser's tests will be skipped" >&2
        exit 0
    fi
    as_root="sudo -n"
fi
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
