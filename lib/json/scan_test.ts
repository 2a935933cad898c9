import assert from "node:assert/strict";
import fc from "fast-check";
import { JsonScan, maxNesting } from "./scan.ts";
import { JsonScanError } from "./tokens.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Returns whether a scan in slices of the given size accepts a text. */
function accepts(bytes: Uint8Array, slice = Infinity): boolean {
  const scan = new JsonScan(bytes);
  try {
    while (!scan.advance(slice));
    return true;
  } catch (error) {
    assert.ok(error instanceof JsonScanError, String(error));
    return false;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Returns a completed scan. */
function scanned(text: string, names: string[] = ["Params"], slice = Infinity): JsonScan {
  const scan = new JsonScan(encode(text), names);
  while (!scan.advance(slice));
  return scan;
}

const slices = fc.integer({ min: 1, max: 9 });

Deno.test("JsonScan: accepts the same texts as JSON.parse, in one slice or many", () => {
  const text = fc.oneof(
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify(value, null, 2)),
    // Almost valid texts: random characters of JSON, and JSON with characters removed or inserted.
    fc.string({ unit: fc.constantFrom(...'[]{}",:\\tfn0-19.eEu \n') }),
    fc.tuple(fc.json(), fc.nat(), fc.constantFrom("", ...'[]{}",:\\ue-0.\u0001')).map(
      ([json, at, piece]) => {
        const place = at % (json.length + 1);
        return json.slice(0, place) + piece + json.slice(place + (at % 2));
      },
    ),
  );
  fc.assert(
    fc.property(text, slices, (text, slice) => {
      const wanted = parses(text);
      // A lone surrogate is not UTF-8.
      fc.pre(text.isWellFormed());
      assert.equal(accepts(encode(text)), wanted, text);
      assert.equal(accepts(encode(text), slice), wanted, text);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("JsonScan: accepts exactly the bytes that are UTF-8", () => {
  const fatal = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const byte = fc.oneof(
    fc.constantFrom(0xc1, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0x80, 0x8f, 0x90, 0x9f, 0xa0),
    fc.integer({ min: 0x80, max: 0xff }),
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 6 }), slices, (bytes, slice) => {
      const text = Uint8Array.from([0x22, ...bytes, 0x22]);
      let wanted = true;
      try {
        fatal.decode(text);
      } catch {
        wanted = false;
      }
      assert.equal(accepts(text, slice), wanted);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("JsonScan: finds the last member of each name, in any case", () => {
  const spelling = fc.constantFrom("Params", "params", "PARAMS", "\\u0050arams", "Param", "other");
  const member = fc.tuple(spelling, fc.json(), fc.constantFrom("", " ", "\n\t"));
  fc.assert(fc.property(fc.array(member, { maxLength: 6 }), slices, (members, slice) => {
    const text = `{${members.map(([key, json, space]) => `"${key}"${space}:${space}${json}`)}}`;
    const last = members.findLast(([key]) => !["Param", "other"].includes(key));
    const found = scanned(text, ["Other2", "Params"], slice).member(1);
    const value = found && decode(encode(text).subarray(found.start, found.end));
    assert.equal(value, last?.[1].trim());
  }));
});

Deno.test("JsonScan: ignores members of nested objects and of arrays", () => {
  assert.equal(scanned('{"a":{"Params":1},"b":[{"Params":2}]}').member(0), undefined);
  assert.equal(scanned('[{"Params":1}]').member(0), undefined);
  assert.equal(scanned("[]").isObject, false);
  assert.equal(scanned(" {}").isObject, true);
});

Deno.test("JsonScan: reports the path of the first integer beyond 2^53", () => {
  const path = (json: string) => scanned(`{"Params":${json}}`).member(0)!.largeInteger;
  const cases: [string, string | undefined][] = [
    ['{"id":9007199254740992}', undefined],
    ['{"id":-9007199254740992}', undefined],
    ['{"id":9007199254740993}', "Params.id"],
    ['{"id":-9007199254740993}', "Params.id"],
    ['{"id":10000000000000000}', "Params.id"],
    ['{"a":[1,[2,{"b":1},99999999999999999999],99999999999999999998]}', "Params.a.1.2"],
    ['{"a.b":{"\\u00e9\\"":12345678901234567890}}', 'Params.a.b.\u00e9"'],
    ['{"id":"9007199254740993","f":9007199254740993.0,"e":1e300}', undefined],
    ["9007199254740993", "Params"],
  ];
  for (const [json, expected] of cases) assert.equal(path(json), expected, json);
  assert.equal(scanned('{"other":9007199254740993,"Params":1}').member(0)!.largeInteger, undefined);
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (integer) => {
    const isLarge = integer > 2n ** 53n || integer < -(2n ** 53n);
    assert.equal(path(`[${integer}]`), isLarge ? "Params.0" : undefined);
  }));
});

Deno.test("JsonScan: reports the path of the first number that is infinite as a double", () => {
  const path = (json: string) => scanned(`{"Params":${json}}`).member(0)!.infinite;
  const cases: [string, string | undefined][] = [
    ["[1e308]", undefined],
    ["[1.7976931348623157e308, 1e-999]", undefined],
    ["[0,-1e400]", "Params.1"],
    ['{"x":1E+309}', "Params.x"],
    [`[${"9".repeat(400)}.5]`, "Params.0"],
    [`[0.${"0".repeat(400)}1e500]`, undefined],
    // A large integer without an exponent is not infinite, since some languages can represent it.
    [`[${"9".repeat(400)}]`, undefined],
  ];
  for (const [json, expected] of cases) assert.equal(path(json), expected, json);
  fc.assert(fc.property(fc.integer({ min: -400, max: 400 }), fc.nat(99), (exponent, digits) => {
    const number = `${digits}.5e${exponent}`;
    assert.equal(path(`[${number}]`), Number.isFinite(Number(number)) ? undefined : "Params.0");
  }));
});

Deno.test("JsonScan: limits the length of paths", () => {
  const deep = `{"Params":${'{"a":'.repeat(1000)}99999999999999999${"}".repeat(1000)}}`;
  assert.equal(scanned(deep).member(0)!.largeInteger, `Params${".a".repeat(7)}....`);
  const long = `{"Params":{"${"k".repeat(1000)}":99999999999999999}}`;
  assert.equal(scanned(long).member(0)!.largeInteger, `Params.${"k".repeat(63)}...`);
});

Deno.test("JsonScan: limits nesting and the length of a number", () => {
  const nested = (depth: number) => encode("[".repeat(depth) + "]".repeat(depth));
  assert.equal(accepts(nested(maxNesting)), true);
  assert.equal(accepts(nested(maxNesting + 1)), false);
  assert.equal(accepts(encode("1".repeat(1 << 16))), true);
  assert.equal(accepts(encode("1".repeat((1 << 16) + 1))), false);
  assert.equal(accepts(encode("1".repeat(1 << 20))), false);
});

Deno.test("JsonScan: an error contains its offset", () => {
  const at = (text: string) => {
    try {
      new JsonScan(encode(text)).advance();
      return undefined;
    } catch (error) {
      return (error as JsonScanError).message;
    }
  };
  assert.equal(at('{"a":tru}'), "Expected a value at byte 5");
  assert.equal(at('["\u00e9",]'), "Expected a value at byte 6");
  assert.equal(at('{"a" 1}'), "Expected a colon at byte 5");
  assert.equal(at("[1"), "Unexpected end of the text at byte 2");
  assert.equal(at("1 2"), "Expected the end of the text at byte 2");
});
