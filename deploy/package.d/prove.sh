#!/bin/sh
# What deploy/package.d/prove has done under systemd, in a container that boots: install, enable, upgrade and purge. /hubrelay.deb and
# /newer.deb are there, and no network.
set -eux

dpkg -i /hubrelay.deb
systemctl start redis-server
redis-cli CONFIG SET requirepass hush-hush
getent group chat || groupadd chat
cat >/etc/hubrelay/chat.env <<END
HUBRELAY_PREFIX=chat:
HUBRELAY_REDIS_PASSWORD_FILE=/etc/hubrelay/chat.redis-password
END
# For the group of the folder, which is not that of the unit.
install -m 640 -g hubrelay /dev/null /etc/hubrelay/chat.redis-password
echo hush-hush >/etc/hubrelay/chat.redis-password
systemctl enable --now hubrelay@chat
systemctl is-active hubrelay@chat
socket=/run/hubrelay/chat/hubrelay.sock
test "$(stat -c %U:%G:%a "$socket")" = hubrelay:chat:660
hubrelay subscribe room.7 --count 1 --socket "$socket" >/tmp/received &
subscriber=$!
until hubrelay publish room.7 hello --socket "$socket" | grep receivers=1; do sleep 0.1; done
wait "$subscriber"
grep hello /tmp/received

# An upgrade replaces the relay that runs.
before=$(systemctl show -p MainPID --value hubrelay@chat)
dpkg -i /newer.deb
systemctl is-active hubrelay@chat
test "$(systemctl show -p MainPID --value hubrelay@chat)" != "$before"
systemctl reload hubrelay@chat

# With HUBRELAY_TAKE_OVER=true the successor takes the socket over, and hubrelay@chat from that one: no publish fails.
echo HUBRELAY_TAKE_OVER=true >>/etc/hubrelay/chat.env
before=$(systemctl show -p MainPID --value hubrelay@chat)
set +x
while [ ! -e /tmp/over ]; do
    hubrelay publish room.7 hello --socket "$socket" >>/tmp/published 2>&1 || echo failed >>/tmp/published
done &
publisher=$!
set -x
until grep OK /tmp/published >/dev/null; do sleep 0.1; done
dpkg -i /newer.deb
touch /tmp/over
wait "$publisher"
grep -c OK /tmp/published
test "$(grep -vc OK /tmp/published)" = 0
systemctl is-active hubrelay@chat
test "$(systemctl show -p MainPID --value hubrelay@chat)" != "$before"
until test "$(systemctl is-active hubrelay-next@chat)" = inactive; do sleep 0.1; done
hubrelay publish room.7 hello --socket "$socket"

# If the new program does not come UP, here because its password is wrong, the old one goes on.
before=$(systemctl show -p MainPID --value hubrelay@chat)
redis-cli -a hush-hush CONFIG SET requirepass another
sed -i 's/^HUBRELAY_TAKE_OVER=.*/HUBRELAY_TAKE_OVER="True"\nHUBRELAY_TAKE_OVER_TIMEOUT=2s/' /etc/hubrelay/chat.env
dpkg -i /newer.deb 2>&1 | tee /tmp/upgrade
grep 'goes on with the old program' /tmp/upgrade
test "$(systemctl show -p MainPID --value hubrelay@chat)" = "$before"
test "$(systemctl is-active hubrelay-next@chat)" != active
hubrelay publish room.7 hello --socket "$socket"

# A purge stops it, and leaves the settings that somebody has written.
dpkg --purge hubrelay
test "$(systemctl is-active hubrelay@chat)" != active
test ! -e /run/hubrelay
test ! -L /etc/systemd/system/multi-user.target.wants/hubrelay@chat.service
test -e /etc/hubrelay/chat.env
echo PROVEN
