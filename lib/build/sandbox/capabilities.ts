/**
 * What root may do in a sandbox (capabilities(7)): what package managers need, and nothing that reaches the machine. Without
 * CAP_SYS_PTRACE and with fewer capabilities than process 1, a script cannot look into that one either (ptrace(2)).
 */
export const CAPABILITIES = [
  'audit_write',
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'mknod',
  'net_bind_service',
  'setfcap',
  'setgid',
  'setpcap',
  'setuid',
  'sys_chroot',
] as const;
