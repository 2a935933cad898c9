/** Takes time but no CPU, so that a small machine can play several. */
export default async function nap(): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return "rested";
}
