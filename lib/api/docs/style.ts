/**
 * Style of the page with the reference of the API: one column on a phone, with a table of contents at
 * the side of a larger screen, light or dark as the system of the reader.
 *
 * @module
 */

/** Style sheet of the page. */
export const docsStyle = `
:root { --ink: #1c2330; --soft: #5b6472; --page: #fff; --card: #f6f7f9; --line: #dde1e7;
  --link: #0b5cad; --get: #1a7f4b; --post: #9a5b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --soft: #9aa4b2; --page: #12161c;
  --card: #1a2028; --line: #2c3440; --link: #7ab8f5; --get: #4cc38a; --post: #e0a458; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; padding: 1.25rem; max-width: 76rem; background: var(--page);
  color: var(--ink); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus { text-decoration: underline; }
h1 { margin: 0; font-size: 1.8rem; line-height: 1.2; }
h1 small { color: var(--soft); font-size: 1rem; font-weight: normal; }
h2 { margin: 2.2rem 0 .6rem; font-size: 1.3rem; }
h3 { margin: 0 0 .4rem; font-size: 1rem; }
h3 a { color: var(--soft); font-weight: normal; margin-left: .3rem; }
p { margin: .4rem 0; }
code, pre { font: .875em/1.5 ui-monospace, Menlo, Consolas, monospace; }
pre { margin: .7rem 0; padding: .7rem .9rem; overflow-x: auto; overflow-wrap: normal;
  background: var(--page); border: 1px solid var(--line); border-radius: 6px; }
article { margin: 0 0 1rem; padding: .9rem 1.1rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; }
article:target { border-color: var(--link); }
table { width: 100%; margin-top: .7rem; border-collapse: collapse; font-size: .9rem; }
th { color: var(--soft); font-weight: 600; text-align: left; }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: break-word; }
tr:last-child td { border-bottom: 0; }
@media (min-width: 40rem) {
  table { table-layout: fixed; }
  th:first-child { width: 13.5rem; }
  th:nth-child(2), .answers th:last-child { width: 11rem; }
  .answers th:first-child { width: 4.5rem; }
  .answers th:nth-child(2) { width: auto; }
}
i { color: var(--soft); }
.verb { display: inline-block; min-width: 2.9rem; font: 700 .72rem/1 ui-monospace, monospace;
  color: var(--post); }
.verb.get { color: var(--get); }
nav { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .4rem 1.5rem;
  margin-top: 1rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .9rem; }
nav ul { margin: .1rem 0 .6rem; padding: 0; list-style: none; }
nav li { padding: .12rem 0; }
@media (min-width: 62rem) {
  body { display: grid; grid-template-columns: 17rem 1fr; gap: 0 2.5rem; padding: 2rem; }
  header { grid-column: 1 / -1; }
  nav { display: block; position: sticky; top: 1rem; align-self: start; max-height: 96vh;
    overflow-y: auto; border: 0; }
  main { min-width: 0; }
}
`;
