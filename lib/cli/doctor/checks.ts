/**
 * The table of all checks, in the order in which they are shown.
 *
 * @module
 */

import type { Check } from "./check.ts";
import { certificates } from "./checks/certificates.ts";
import { clock } from "./checks/clock.ts";
import { controlGroups } from "./checks/control_groups.ts";
import { descriptors } from "./checks/descriptors.ts";
import { disk } from "./checks/disk.ts";
import { docker } from "./checks/docker.ts";
import { etcd } from "./checks/etcd.ts";
import { images } from "./checks/images.ts";
import { keys } from "./checks/keys.ts";
import { ports } from "./checks/ports.ts";
import { secrets } from "./checks/secrets.ts";
import { service } from "./checks/service.ts";
import { tokens } from "./checks/tokens.ts";

/** All checks. */
export const checks: readonly Check[] = [
  docker,
  images,
  controlGroups,
  etcd,
  keys,
  secrets,
  clock,
  ports,
  descriptors,
  disk,
  certificates,
  tokens,
  service,
];
