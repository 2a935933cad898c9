interface Params {
  name?: string;
}

export default function hello(params: Params | null) {
  return { message: `Hello, ${params?.name ?? "world"}!` };
}
