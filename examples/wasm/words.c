/*
 * A WASI command: the params come as JSON on standard input (and as first argument), what it prints is
 * the result, what it writes to standard error is its output.
 *
 * clang --target=wasm32-wasi -O2 -o words.wasm words.c
 *
 * serverledge create words --runtime wasm --src words.wasm
 * serverledge invoke words -p text:"a function in WebAssembly"
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  static char params[1 << 16];
  size_t length = fread(params, 1, sizeof params - 1, stdin);
  params[length] = 0;

  const char *text = strstr(params, "\"text\":\"");
  if (text == NULL) {
    fprintf(stderr, "there is no text in %s\n", params);
    return 1;
  }
  text += strlen("\"text\":\"");

  int words = 0;
  size_t longest = 0;
  const char *end = text + strcspn(text, "\"");
  while (text < end) {
    size_t letters = 0;
    while (text + letters < end && !isspace((unsigned char)text[letters])) letters++;
    if (letters > 0) words++;
    if (letters > longest) longest = letters;
    text += letters + 1;
  }
  fprintf(stderr, "counted %d words\n", words);
  printf("{\"words\":%d,\"longest\":%zu}\n", words, longest);
  return 0;
}
