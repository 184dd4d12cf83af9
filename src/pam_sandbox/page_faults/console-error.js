// The page works, and complains in the browser's console while it starts.

console.error("Wheels & Wins: the feature registry could not be read");
