/**
 * Client of the Docker engine's API. This separate module is imported at the first request to the engine:
 * the package is CommonJS, and the bundle provides the names of such a package only to static imports.
 *
 * @module
 */

// @ts-types="@types/dockerode"
import Docker from "dockerode";
import { type ModemTransport, sendByFetch } from "./fetch_modem.ts";

/** Factory of clients whose requests all end with a signal; dockerode itself supports it only for some. */
export class DockerClients implements Disposable {
  readonly #transport: ModemTransport;
  readonly #modem: Docker["modem"];

  /**
   * Creates a factory of clients for one engine. It opens no connection.
   *
   * @param transport target of their requests; disposing the factory closes it
   */
  constructor(transport: ModemTransport) {
    this.#transport = transport;
    // With a socket path, docker-modem adds no address of its own, and request paths have no host.
    const options = { host: undefined, protocol: "http" as const, socketPath: transport.base };
    this.#modem = new Docker(options).modem;
  }

  /**
   * Creates a client for one request.
   *
   * @param signal aborts the client's request
   */
  bounded(signal: AbortSignal): Docker {
    const modem = sendByFetch(this.#modem, this.#transport, signal);
    return new Docker({ modem } as Docker.DockerOptions);
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    this.#transport.client.close();
  }
}
