/**
 * The client of the Docker engine's API, in a module of its own that is imported when the engine
 * is first asked: the package is CommonJS, and the bundle gives such a package's names to static
 * imports only.
 *
 * @module
 */

// @ts-types="@types/dockerode"
import Docker from "dockerode";
import { type ModemTransport, sendByFetch } from "./fetch_modem.ts";

/** Factory of clients whose requests all end with a signal; dockerode itself limits only some. */
export class DockerClients implements Disposable {
  readonly #transport: ModemTransport;
  readonly #modem: Docker["modem"];

  /** @param transport where their requests go; closed with this */
  constructor(transport: ModemTransport) {
    this.#transport = transport;
    // A socket's path keeps docker-modem from an address of its own, and request paths bare.
    const options = { host: undefined, protocol: "http" as const, socketPath: transport.base };
    this.#modem = new Docker(options).modem;
  }

  /**
   * Creates a client for one request.
   *
   * @param signal aborts the start whatever is asked by it
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
