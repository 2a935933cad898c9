/**
 * TLS port of a server. Its certificate is replaced when the files change: a second listener with the new
 * certificate receives all new connections, the first serves those that it has and is closed.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { logger } from "../../base/log.ts";
import { type Certificate, type CertificateFiles, readCertificate } from "../tls/certificate.ts";
import { versionOf } from "../tls/file_version.ts";
import { Libc } from "./libc.ts";
import type { HttpServer } from "./server.ts";
import { TlsSource } from "./tls_source.ts";

/** Interval of checks for changed files, ms. A change is used once it is as old as this. */
const checkMs = 2_000;
/** Time without a connection after which the former listener is closed, ms. */
const quietMs = 1_000;
/** Maximum time for which two listeners share the port, ms. */
const sharedMs = 60_000;
/** Remaining validity of a certificate that is reported as a problem, days. */
const warnDays = 7;

const dayMs = 86_400_000;
const log = logger("tls");

/** Options of a TLS port. */
export interface TlsPortOptions {
  /** Address and port; port 0 selects a free one. */
  readonly address: { readonly hostname: string; readonly port: number };
  /** Maximum number of connections that wait to be accepted. */
  readonly backlog: number;
  readonly files: CertificateFiles;
  readonly clock: Clock;
  /** True to take the port over from another process of this user, which has offered it. */
  readonly takesOver?: boolean;
}

/** Port on which a server accepts TLS connections, with HTTP/1.1 and HTTP/2 by ALPN. */
export class TlsPort implements Disposable {
  readonly #options: TlsPortOptions;
  readonly #libc: Libc | undefined;
  readonly #addr: Deno.NetAddr;
  #certificate: Certificate;
  #source: TlsSource;
  #descriptor: number | undefined;
  /** Failed handshakes of former sources. */
  #formerFailures = 0;
  /** Version of the files that was used last, and the one that was seen last. */
  #used: string;
  #seen: string;
  #problem: string | undefined;
  #cancel: (() => void) | undefined;
  #isDisposed = false;

  private constructor(options: TlsPortOptions, version: string) {
    this.#options = options;
    this.#used = this.#seen = version;
    this.#certificate = readCertificate(options.files);
    this.#libc = loadLibc();
    const { address, takesOver = false } = options;
    const { listener, descriptor } = this.#listen(address.port, takesOver);
    if (takesOver && descriptor !== undefined) this.#libc?.receiveAll(descriptor);
    this.#addr = listener.addr as Deno.NetAddr;
    this.#source = this.#sourceOf(listener);
    this.#descriptor = descriptor;
  }

  /**
   * Reads the certificate and listens.
   *
   * @throws `CONFIG_INVALID` if the files are unusable; the errors of `Deno.listenTls`
   */
  static async open(options: TlsPortOptions): Promise<TlsPort> {
    const { cert, key } = options.files;
    return new TlsPort(options, await versionOf(cert, key));
  }

  /** Address on which the port listens. */
  get addr(): Deno.NetAddr {
    return this.#addr;
  }

  /** Source of connections for the server. */
  get source(): TlsSource {
    return this.#source;
  }

  /** Number of connections that ended before their handshake did. */
  get handshakeFailures(): number {
    return this.#formerFailures + this.#source.failures;
  }

  /** Remaining validity of the certificate, days; negative after its end. */
  get remainingDays(): number {
    return (this.#certificate.expiresAt - this.#options.clock.wall()) / dayMs;
  }

  /** Descriptions of what is wrong with the certificate. */
  problems(): string[] {
    const problems = this.#problem === undefined ? [] : [`tls: ${this.#problem}`];
    const days = this.remainingDays;
    if (days < warnDays) {
      const when = new Date(this.#certificate.expiresAt).toISOString();
      problems.push(
        `tls: the certificate ${this.#options.files.cert} ` +
          `${days < 0 ? "expired" : "expires"} at ${when}: replace it and its key`,
      );
    }
    return problems;
  }

  /**
   * Starts to follow changes of the files.
   *
   * @param server server that accepts the connections of {@link TlsPort.source}
   */
  follow(server: HttpServer): void {
    if (this.#isDisposed) return;
    this.#cancel = this.#options.clock.after(checkMs, () => {
      void this.#check(server).finally(() => this.follow(server));
    });
  }

  /** Stops following changes of the files. */
  unfollow(): void {
    this.#isDisposed = true;
    this.#cancel?.();
  }

  /** Stops following changes and accepting connections. */
  [Symbol.dispose](): void {
    this.unfollow();
    this.#source.close();
  }

  async #check(server: HttpServer): Promise<void> {
    const { cert, key } = this.#options.files;
    const version = await versionOf(cert, key);
    const isSettled = version === this.#seen;
    this.#seen = version;
    if (this.#isDisposed || version === this.#used || !isSettled) return;
    this.#used = version;
    try {
      await this.#replace(readCertificate(this.#options.files), server);
      this.#problem = undefined;
    } catch (error) {
      this.#problem = `the former certificate stays in use: ${(error as Error).message}`;
      log.error("Cannot replace the certificate, {problem}", { problem: this.#problem });
    }
  }

  async #replace(next: Certificate, server: HttpServer): Promise<void> {
    const libc = this.#libc;
    if (!libc || this.#descriptor === undefined || !libc.shareThePort(this.#descriptor)) {
      throw new Error("this system cannot share a port, restart the node");
    }
    const former = { certificate: this.#certificate, source: this.#source };
    this.#certificate = next;
    try {
      const { listener, descriptor } = this.#listen(this.#addr.port, true);
      this.#source = this.#sourceOf(listener);
      this.#descriptor = descriptor;
    } catch (error) {
      this.#certificate = former.certificate;
      throw error;
    }
    const receivesAll = this.#descriptor !== undefined &&
      libc.receiveAll(this.#descriptor);
    server.add(this.#source);
    log.info("Uses the new certificate {fingerprint}, valid until {until}", {
      fingerprint: next.fingerprint,
      until: new Date(next.expiresAt).toISOString(),
    });
    if (!receivesAll) log.warn("Connections that arrive at this moment may be reset");
    await server.retire(former.source, quietMs, receivesAll ? sharedMs : quietMs);
    this.#formerFailures += former.source.failures;
  }

  #listen(
    port: number,
    reusePort: boolean,
  ): { listener: Deno.TlsListener; descriptor: number | undefined } {
    const { cert, key } = this.#certificate;
    const open = () =>
      Deno.listenTls({
        hostname: this.#options.address.hostname,
        port,
        cert,
        key,
        alpnProtocols: ["h2", "http/1.1"],
        tcpBacklog: this.#options.backlog,
        reusePort,
      });
    if (!this.#libc) return { listener: open(), descriptor: undefined };
    const { result: listener, descriptor } = this.#libc.opened(open);
    if (descriptor !== undefined) this.#libc.sendAtOnce(descriptor);
    return { listener, descriptor };
  }

  #sourceOf(listener: Deno.TlsListener): TlsSource {
    return new TlsSource(listener, this.#libc, this.#options.clock);
  }
}

function loadLibc(): Libc | undefined {
  try {
    return new Libc();
  } catch (error) {
    log.warn(
      "Certificates are replaced only by a restart, and clients can keep connections: {reason}",
      {
        reason: (error as Error).message,
      },
    );
    return undefined;
  }
}
