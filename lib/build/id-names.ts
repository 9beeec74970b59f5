/** The first id that a name has. The lanes end before it, and what useradd and systemd-sysusers choose begins after the last one. */
export const FIRST_NAMED_ID = 600;

/**
 * System users and groups of Debian's packages. Each has the id at its position, as user and as group. Names are only added at the
 * end: another position is another owner of files that exist. None that people give to ordinary users, whom adduser gives these
 * ids as well.
 */
export const ID_NAMES: readonly string[] = `
  messagebus crontab ssl-cert _ssh sshd _chrony redis tcpdump uuidd plocate polkitd syslog postfix postdrop mysql
  postgres systemd-network systemd-resolve systemd-timesync systemd-journal systemd-coredump systemd-oom
  systemd-journal-remote systemd-journal-upload systemd-journal-gateway input sgx kvm render netdev rtkit avahi
  avahi-autoipd dnsmasq docker memcache haproxy _rpc statd bind unbound unbound-anchor ntp ntpsec openntpd _lldpd
  _dhcp dhcpd isc-dhcp radvd debian-tor Debian-exim Debian-snmp dovecot dovenull postgrey opendkim opendmarc clamav
  amavis debian-spamd spamd policyd-spf smmsp smmta smmpa courier cyrus mailman squid lighttpd nginx tomcat9 tomcat10
  jetty varnish vcache varnishlog caddy uwsgi tinyproxy privoxy munin nagios icinga icinga2 nrpe zabbix zabbix-server
  zabbix-agent prometheus influxdb collectd graphite _graphite ganglia netdata monit rabbitmq mosquitto mongodb etcd
  consul zookeeper valkey _valkey activemq ejabberd prosody jabberd matrix-synapse coturn turnserver asterisk
  kamailio opensips icecast2 mpd minidlna ftp proftpd vsftpd pure-ftpd tftp gitolite3 cvsd buildbot puppet _salt
  libvirt libvirt-qemu libvirt-dnsmasq libvirtdbus swtpm tss nova cinder neutron keystone openvswitch ovn frr frrvty
  quagga quaggavty bird openvpn strongswan tinc ocserv freerad slapd nslcd sssd Debian-gdm lightdm sddm colord
  geoclue pulse pulse-access pipewire saned scanner lpadmin cups-pk-helper cups-browsed fwupd-refresh usbmux
  speech-dispatcher whoopsie kernoops hplip gnome-initial-setup gnome-remote-desktop iio-sensor-proxy nm-openvpn
  nm-openconnect nm-strongswan lxc incus lxc-dnsmasq apt-cacher-ng debci schroot wireshark bluetooth lirc ulog nut
  stunnel4 _stunnel stapusr stapdev stapsys ntfs-3g fuse davfs2 nbd pdns knot knot-resolver nsd i2psvc backuppc
  bacula bareos amanda urbackup _gvm _bgpd
`
  .trim()
  .split(/\s+/);
