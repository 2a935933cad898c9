/**
 * The files of a release, below the root of the machine on which they are installed.
 *
 * @module
 */

import { exampleConfig } from "../../lib/cli/config/view.ts";
import { environmentText, firstConfig } from "../../lib/cli/service/plan.ts";
import { environmentFile, serviceUser, unitName, unitText } from "../../lib/cli/service/unit.ts";
import { settings } from "../../lib/config/settings.ts";
import { collectComponents } from "../build/components.ts";
import { manPage } from "../docs/man_page.ts";
import { capture, root } from "../project.ts";

/** A file of a release. */
export interface ReleaseFile {
  /** Path from the root, without a slash at its beginning. */
  readonly path: string;
  readonly mode: number;
  /** Its text, or the path of the file that it is a copy of. */
  readonly content: { readonly text: string } | { readonly copyOf: string };
}

/** Where the program is installed. */
export const programPath = "usr/bin/serverledge";

const completions: readonly (readonly [shell: string, path: string])[] = [
  ["bash", "usr/share/bash-completion/completions/serverledge"],
  ["zsh", "usr/share/zsh/vendor-completions/_serverledge"],
  ["fish", "usr/share/fish/vendor_completions.d/serverledge.fish"],
];

/**
 * Collects the files that are the same for all architectures, which is all but the program.
 *
 * @param time of the release, s since 1970
 * @param sbom text of the bill of materials
 */
export async function commonFiles(time: number, sbom: string): Promise<ReleaseFile[]> {
  const text = (path: string, text: string, mode = 0o644): ReleaseFile => {
    return { path, mode, content: { text } };
  };
  const docs = "usr/share/doc/serverledge";
  const unit = unitText({
    program: `/${programPath}`,
    user: serviceUser,
    graceS: settings["shutdown.grace"].value,
  });
  const files = [
    text(`usr/lib/systemd/system/${unitName}`, unit),
    text(
      "usr/share/man/man1/serverledge.1",
      manPage(new Date(time * 1000).toISOString().slice(0, 10)),
    ),
    text(`${docs}/copyright`, await copyright()),
    text(`${docs}/CHANGELOG.md`, await Deno.readTextFile(`${root}CHANGELOG.md`)),
    text(`${docs}/examples/serverledge-conf.yaml`, exampleConfig()),
    text(`${docs}/sbom.cdx.json`, sbom),
    text("etc/serverledge/serverledge-conf.yaml", firstConfig),
    text(environmentFile.slice(1), environmentText, 0o600),
  ];
  for (const [shell, path] of completions) {
    const script = await capture(Deno.execPath(), ["run", "-A", "main.ts", "completions", shell], {
      cwd: root,
    });
    files.push(text(path, `${script}\n`));
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Our license, and those of the software in the program. */
async function copyright(): Promise<string> {
  const { all } = await collectComponents();
  const parts = all.map(({ id, license, text }) =>
    `== ${id}: ${license || "no license stated"}\n\n${text || "The package contains no text."}`
  );
  return [await Deno.readTextFile(`${root}LICENSE`), ...parts].map((part) => part.trim())
    .join("\n\n") + "\n";
}
