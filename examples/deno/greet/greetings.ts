const greetings = { en: "Hello", it: "Ciao", de: "Hallo" };

export type Language = keyof typeof greetings;

export function greeting(language: Language): string {
  return greetings[language] ?? greetings.en;
}
