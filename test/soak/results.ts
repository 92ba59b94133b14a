/** What `--write` puts into results.md. */
export function resultsOf(text: string, isDrawn: boolean): string {
  const chart = isDrawn ? '\n![Latency and memory over time](../bench/charts/soak.svg)\n' : ''
  return `# A soak\n\n\`npm run soak -- --write\`\n\n\`\`\`\n${text}\n\`\`\`\n${chart}`
}
