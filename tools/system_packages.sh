#!/bin/sh
# The two things tests need that pip cannot bring: a browser, and a font with Hangul for its pictures.
set -eu

needed=""
for browser in chromium chromium-browser google-chrome; do
    command -v "$browser" >/dev/null && found=yes && break
done
[ "${found:-no}" = yes ] || needed="chromium"
fc-list :lang=ko 2>/dev/null | grep -q . || needed="$needed fonts-noto-cjk fontconfig"
[ -n "$needed" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The browser journeys need:$needed. Install them, for example:" >&2
    echo "  sudo apt-get install --no-install-recommends $needed" >&2
    exit 1
fi
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $needed
