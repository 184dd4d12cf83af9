// Outlines for a 24 by 24 box, stroked.

export const HOME = ["M3 11l9-8 9 8", "M5 10v10h5v-6h4v6h5V10"];
export const CHAT = ["M4 5h16v11H10l-5 4v-4H4z", "M8 9h8M8 12h5"];
export const MONEY = ["M3 7h18v11H3z", "M12 10a2.5 2.5 0 100 5 2.5 2.5 0 000-5z", "M6 10v.01M18 15v.01"];
export const VAN = [
  "M2 7h12v10H2zM14 10h4l4 4v3h-8z",
  "M6.5 15.5a2 2 0 100 4 2 2 0 000-4zM17.5 15.5a2 2 0 100 4 2 2 0 000-4z",
];
export const PERSON = ["M12 4a4 4 0 100 8 4 4 0 000-8z", "M4 21c0-4 3.5-6 8-6s8 2 8 6"];
export const SLIDERS = ["M4 7h9M17 7h3M4 17h3M11 17h9", "M15 5a2 2 0 100 4 2 2 0 000-4zM9 15a2 2 0 100 4 2 2 0 000-4z"];
export const MICROPHONE = ["M12 3a3 3 0 00-3 3v5a3 3 0 006 0V6a3 3 0 00-3-3z", "M6 11a6 6 0 0012 0M12 17v4M9 21h6"];
export const STOP = ["M6 6h12v12H6z"];
export const SEND = ["M4 12l16-8-5 16-3-7z", "M12 13l8-9"];
export const BIN = ["M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13", "M10 11v5M14 11v5"];
export const SPARK = ["M12 3l2 6 6 2-6 2-2 6-2-6-6-2 6-2z", "M19 16v4M17 18h4"];
export const WARNING = ["M12 4l10 17H2z", "M12 10v5M12 18v.01"];
export const PLUS = ["M12 5v14M5 12h14"];
export const WHEEL = [
  "M12 3a9 9 0 100 18 9 9 0 000-18z",
  "M12 9.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5z",
  "M12 3v6.5M12 14.5V21M3 12h6.5M14.5 12H21",
];
