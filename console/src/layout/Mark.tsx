/** The mark: a boat with a junk's sail. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path d="M15 4.500c6 2.300 9.700 7.600 9.700 14.200H15z" fill="#f3c06b" />
      <path d="M13 8.200c-4 2.400-6.300 6-6.500 10.500H13z" fill="#8fd0c8" />
      <path
        d="M3.600 21.200h24.800c-1.400 4-5 6.500-9.700 6.500h-5.400c-4.700 0-8.300-2.500-9.700-6.500z"
        fill="#ffffff"
      />
    </svg>
  );
}
