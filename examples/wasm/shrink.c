/*
 * A plain filter: a picture (PPM, P6) on standard input, half as large on standard output. It knows nothing
 * of HTTP and runs the same from a shell.
 *
 * clang --target=wasm32-wasi -O2 -o shrink.wasm shrink.c
 *
 * serverledge create shrink --runtime wasm --src shrink.wasm --http stdio
 * curl --data-binary @photo.ppm http://127.0.0.1:1323/fn/shrink/ -o small.ppm
 */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  unsigned width, height;
  if (scanf("P6 %u %u 255", &width, &height) != 2 || getchar() == EOF ||
      width < 2 || height < 2 || width > 8192 || height > 8192) {
    fprintf(stderr, "standard input is no PPM of 2 to 8192 pixels a side\n");
    return 1;
  }
  size_t stride = 3 * (size_t)width;
  unsigned char *rows = malloc(2 * stride);
  if (rows == NULL) {
    fprintf(stderr, "no memory for two rows of %u pixels\n", width);
    return 1;
  }
  printf("P6 %u %u 255\n", width / 2, height / 2);
  for (unsigned y = 0; y < height / 2; y++) {
    if (fread(rows, stride, 2, stdin) != 2) {
      fprintf(stderr, "the picture ends in row %u of %u\n", 2 * y, height);
      return 1;
    }
    for (unsigned x = 0; x < width / 2; x++) {
      for (int colour = 0; colour < 3; colour++) {
        const unsigned char *p = rows + 6 * x + colour;
        putchar((p[0] + p[3] + p[stride] + p[stride + 3]) / 4);
      }
    }
  }
  fprintf(stderr, "%ux%u became %ux%u\n", width, height, width / 2, height / 2);
  return 0;
}
