/** The measured function, in TypeScript. */
export default (params: { n: number }): { next: number } => ({ next: params.n + 1 });
