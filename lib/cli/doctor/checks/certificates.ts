/**
 * Checks the dates of the certificates that the configuration names.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { fileProblem } from "../../../base/text_file.ts";
import type { SettingKey } from "../../../config/settings.ts";
import { type Check, type Finding, fine, problem } from "../check.ts";

/** Keys that name PEM files with certificates of authorities. Each certificate is trusted by itself. */
const authorities: readonly SettingKey[] = ["cluster.tls.ca", "etcd.tls.ca"];
/** Keys that name PEM files with certificates. */
const keys: readonly SettingKey[] = ["api.tls.cert", "etcd.tls.cert", ...authorities];

const dayMs = 86_400_000;
/** Time before the end of a certificate in which it should be renewed, ms. */
const soonMs = 14 * dayMs;

/** Certificates of this node and of authorities. */
export const certificates: Check = {
  name: "certificates",
  async run({ config }) {
    const named = keys.filter((key) => config[key] !== "");
    return await Promise.all(named.map((key) => read(key, String(config[key]))));
  },
};

async function read(key: SettingKey, path: string): Promise<Finding> {
  let pem: string;
  try {
    pem = await Deno.readTextFile(path);
  } catch (error) {
    return problem("error", `${key}: cannot read ${path}: ${fileProblem(error)}`, `Correct ${key}`);
  }
  const parts = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    const dates = parts.map((part) => new X509Certificate(part)).map(({ validFrom, validTo }) => ({
      from: Date.parse(validFrom),
      to: Date.parse(validTo),
    }));
    const name = `${key} (${path})`;
    const assess = authorities.includes(key) ? assessAuthorities : assessDates;
    return assess(name, dates, Date.now());
  } catch {
    return problem(
      "error",
      `${key}: ${path} is not a PEM file with a certificate`,
      `Correct ${key}`,
    );
  }
}

/** Dates between which a certificate is valid, ms since 1970. */
interface Validity {
  readonly from: number;
  readonly to: number;
}

/**
 * Assesses the dates of authorities. Bundles of a system have some that have expired: an error is only that
 * none is valid, and a warning that the last one soon is not.
 *
 * @param name of the file
 */
export function assessAuthorities(
  name: string,
  dates: readonly Validity[],
  now: number,
): Finding {
  const valid = dates.filter(({ from, to }) => from <= now && now < to);
  const last = valid.toSorted((a, b) => b.to - a.to)[0];
  return assessDates(name, last ? [last] : dates, now);
}

/**
 * Assesses the dates of the certificates of a file, of which the first to expire counts.
 *
 * @param name of the file
 */
export function assessDates(
  name: string,
  dates: readonly Validity[],
  now: number,
): Finding {
  const from = Math.max(...dates.map(({ from }) => from));
  const to = Math.min(...dates.map(({ to }) => to));
  if (dates.length === 0 || Number.isNaN(from + to)) {
    return problem("error", `${name}: the file has no certificate`, "Set it to a PEM file");
  }
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  if (now < from) {
    return problem(
      "error",
      `${name}: not valid before ${day(from)}`,
      "Check this machine's clock, or wait",
    );
  }
  if (now >= to) return problem("error", `${name}: expired on ${day(to)}`, "Renew it");
  const found = `${name}: valid until ${day(to)}`;
  return to - now < soonMs ? problem("warning", found, "Renew it") : fine(found);
}
