#!/bin/sh
# Fills the directory $1 with the busybox $2, and with everything that a layer can hold and a client may get wrong. Run as root.
set -eu
umask 022
chmod 755 "$1"
cd "$1"
mkdir bin etc tmp proc sys dev root
cp "$2" bin/busybox
for name in $("$2" --list); do [ "$name" = busybox ] || ln -s busybox "bin/$name"; done
echo 'root:x:0:0:root:/root:/bin/sh' > etc/passwd
echo conf > etc/conf
mkdir torture && cd torture

# Names.
long=$(printf 'n%.0s' $(seq 255))
echo long > "$long"
mkdir -p "deep/$(printf 'd%.0s' $(seq 120))/$(printf 'e%.0s' $(seq 120))/$(printf 'f%.0s' $(seq 120))"
echo deep > "deep/$(printf 'd%.0s' $(seq 120))/$(printf 'e%.0s' $(seq 120))/$(printf 'f%.0s' $(seq 120))/$long"
for name in ' leading space' 'trailing space ' 'new
line' 'tab	' 'back\slash' "quote'" '$HOME' '*' '?' '#' '=' 'a=b' '%41' ' ' '-n' '...' 'ü' '日本' '🚀' 'decomposéd'; do
  echo name > "./$name"
done
printf byte > "$(printf 'latin1-\344')"

# Owners, modes, times.
for mode in 0000 0400 0644 0755 1777 2755 4755 6755 7777; do echo "$mode" > "mode-$mode"; chmod "$mode" "mode-$mode"; done
for mode in 0500 0711 1777 2775; do mkdir "directory-$mode"; chmod "$mode" "directory-$mode"; done
echo id > id-large; chown 65534:65533 id-large
echo id > id-17-bits; chown 100000:70000 id-17-bits
echo setuid > setuid-owned; chown 1:1 setuid-owned; chmod 6711 setuid-owned
touch -d @0 time-0; touch -d @1 time-1; touch -d @2147483647 time-2038; touch -d @4102444800 time-2100

# Contents: around a block of 512 bytes, of 4 KiB, of 128 KiB, of 4 MiB.
for size in 0 1 511 512 513 4095 4096 4097 131071 131072 131073 4194303 4194304 4194305; do
  yes "$size" | head -c "$size" > "size-$size"
done
head -c 3000000 /dev/zero > zeros
truncate -s 5000000 hole; printf end >> hole

# Links.
echo one > hard-a; ln hard-a hard-b; mkdir links; ln hard-a links/hard-c
ln -s hard-a soft; ln -s /torture/hard-a absolute; ln -s nowhere dangling; ln -s . loop; ln -s "$long" to-long
ln -s ../../../../etc/conf climbing

# What is no file.
mkfifo fifo; mknod null c 1 3; mknod block b 7 200; mkdir empty
mkdir many; i=0; while [ $i -lt 2000 ]; do : > many/$i; i=$((i + 1)); done

# Extended attributes.
echo x > attributes
setfattr -n user.plain -v value attributes
setfattr -n user.binary -v 0x00ff0a3d attributes
setfattr -n user.long -v "$(printf 'v%.0s' $(seq 1000))" attributes
mkdir attributes-directory; setfattr -n user.on -v directory attributes-directory
echo capable > capable
setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 capable
