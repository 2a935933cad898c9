import { connectEtcd } from "../../../lib/registry/etcd/registry.ts";
import { testRegistry } from "../../contract/registry.ts";
import { startEtcd } from "../../support/etcd.ts";
import { eventually } from "../../support/eventually.ts";

testRegistry("etcd", async () => {
  await using stack = new AsyncDisposableStack();
  const etcd = stack.use(await startEtcd());
  const registry = stack.use(connectEtcd({ endpoints: [etcd.endpoint] }));
  await eventually("the registry is connected", () => registry.health().ok);
  const owned = stack.move();
  return {
    registry,
    shared: true,
    pass: () => {},
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
});
