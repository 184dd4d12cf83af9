// The page does not say in which language it is written: a screen reader pronounces it in the wrong one.

document.documentElement.removeAttribute("lang");
