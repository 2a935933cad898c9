export default async function (params) {
  return { modern: params };
}
