/**
 * The systemd unit that runs a node as a service.
 *
 * @module
 */

import { resolve } from "node:path";

/** Name of the unit. */
export const unitName = "serverledge.service";
/** Name of the service's user and group, and of its directories below `/etc` and `/var/lib`. */
export const serviceUser = "serverledge";
/** Environment of the service in a file that only root can read: secrets, `DOCKER_HOST`. */
export const environmentFile = "/etc/serverledge/environment";

/**
 * Time that a node may take after `shutdown.grace` to remove its instances, s. Later systemd would kill it,
 * and its containers would stay until the next start.
 */
export const stopMarginS = 30;

/** What differs between units. */
export interface UnitOptions {
  /** Absolute path of the program. */
  readonly program: string;
  /** User and group of the service. */
  readonly user: string;
  /** `shutdown.grace` of the node, s. */
  readonly graceS: number;
  /** `data.dir` of the node; empty or undefined for the service's own state directory. */
  readonly dataDir?: string;
}

/**
 * A node that is root changes the user of sandboxes to `nobody`, limits them by control groups, and reads the
 * files of other users' processes.
 */
const rootCapabilities =
  "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID CAP_SYS_PTRACE";

/**
 * Returns the text of the unit.
 *
 * `MemoryDenyWriteExecute` is impossible with a compiler at run time, and `PrivateUsers` would take the
 * membership in group `docker` away.
 */
export function unitText({ program, user, graceS, dataDir }: UnitOptions): string {
  return `[Unit]
Description=Serverledge node
Documentation=man:serverledge(1)
Wants=network-online.target
After=network-online.target docker.service etcd.service

[Service]
Type=exec
User=${user}
Group=${user}
ExecStart=${program} start
# Starts the installed program, which takes over without a lost request and tells its process id.
ExecReload=/bin/sh -c "kill -USR2 $MAINPID"
NotifyAccess=all
EnvironmentFile=-${environmentFile}
StateDirectory=${serviceUser}
StateDirectoryMode=0700
Restart=on-failure
RestartSec=2

# Only the node gets SIGTERM: it lets invocations finish before it ends sandboxes.
KillMode=mixed
# More than shutdown.grace (${graceS} s), so that the node can remove its instances.
TimeoutStopSec=${Math.ceil(graceS) + stopMarginS}

# Sandboxes get control groups of their own. One that uses too much memory must not end the node.
Delegate=yes
OOMPolicy=continue
LimitNOFILE=65536
TasksMax=infinity

CapabilityBoundingSet=${user === "root" ? rootCapabilities : ""}
NoNewPrivileges=yes
ProtectSystem=strict
# Nodes of one machine lock their ids here.
ReadWritePaths=-/run/lock${dataDir ? ` ${quoted(`-${resolve("/", dataDir)}`)}` : ""}
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

/** Quotes a word of the unit, see systemd.syntax(7). */
function quoted(word: string): string {
  return JSON.stringify(word).replaceAll("%", "%%");
}
