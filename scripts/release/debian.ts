/**
 * What makes a Debian package of files: its description and its scripts.
 *
 * @module
 */

import manifest from "../../deno.json" with { type: "json" };
import { serviceUser, unitName } from "../../lib/cli/service/unit.ts";
import type { Target } from "../build/denort.ts";

/** Architectures in Debian's terms. */
export const debianArchitectures: Readonly<Record<Target, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
};

/** Symbols of the C library that Deno's base program uses are at most this new. */
const oldestLibc = "2.27";

/**
 * Returns the file `control` of the package.
 *
 * @param sizeKib size of its files, KiB
 */
export function controlText(target: Target, sizeKib: number): string {
  return `Package: serverledge
Version: ${manifest.version}
Architecture: ${debianArchitectures[target]}
Maintainer: The Serverledge on Deno authors <serverledge@localhost>
Installed-Size: ${sizeKib}
Depends: libc6 (>= ${oldestLibc}), libgcc-s1, passwd
Recommends: docker.io | docker-ce
Suggests: etcd-server
Section: net
Priority: optional
Description: serverless functions on the edge and in the cloud
 Node and client of a function-as-a-service runtime in one program, for
 machines from a Raspberry Pi to a cloud server. Functions in TypeScript,
 JavaScript and WebAssembly run in its own sandboxes; those in Python and
 Node.js, programs and custom images run in Docker containers.
`;
}

/** Makes the user, and starts the service unless its administrator has disabled it. */
const afterInstallation = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
  if ! getent passwd ${serviceUser} >/dev/null; then
    useradd --system --user-group --home-dir /var/lib/serverledge --no-create-home \\
      --shell /usr/sbin/nologin ${serviceUser}
  fi
  if getent group docker >/dev/null; then
    # To use Docker, whose users are as powerful as root.
    usermod --append --groups docker ${serviceUser}
  fi
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    if [ -z "$2" ]; then systemctl enable ${unitName}; fi
    if systemctl --quiet is-enabled ${unitName}; then
      systemctl reload-or-restart ${unitName} || echo "serverledge does not start: see serverledge doctor" >&2
    fi
  elif [ -z "$2" ] && command -v systemctl >/dev/null; then
    systemctl enable ${unitName}
  fi
fi
`;

const beforeRemoval = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl stop ${unitName}
fi
`;

/** Only a purge removes data and user. */
const afterRemoval = `#!/bin/sh
set -e
if [ "$1" = purge ]; then
  rm -f /etc/systemd/system/multi-user.target.wants/${unitName}
  rm -rf /var/lib/serverledge
  if getent passwd ${serviceUser} >/dev/null; then userdel ${serviceUser}; fi
fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
`;

/** The package's scripts by name. */
export const maintainerScripts: Readonly<Record<string, string>> = {
  postinst: afterInstallation,
  prerm: beforeRemoval,
  postrm: afterRemoval,
};

/** Files that an upgrade leaves as their administrator has changed them. */
export function configurationFiles(paths: readonly string[]): string {
  return paths.filter((path) => path.startsWith("etc/")).map((path) => `/${path}\n`).join("");
}
