#!/bin/sh
# What tests need and pip cannot bring: a browser, a font with Hangul for its pictures, and strace to count fsyncs.
set -eu

needed=""
for browser in chromium chromium-browser google-chrome; do
    command -v "$browser" >/dev/null && found=yes && break
done
[ "${found:-no}" = yes ] || needed="chromium"
fc-list :lang=ko 2>/dev/null | grep -q . || needed="$needed fonts-noto-cjk fontconfig"
command -v strace >/dev/null || [ "$(uname)" != Linux ] || needed="$needed strace"
[ -n "$needed" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need:$needed. Install them, for example:" >&2
    echo "  sudo apt-get install --no-install-recommends $needed" >&2
    [ "$needed" != " strace" ] || exit 0 # without it one campaign says that it proved nothing
    exit 1
fi
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $needed
