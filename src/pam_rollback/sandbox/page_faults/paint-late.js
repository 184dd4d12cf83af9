// The page is painted late: nothing of it can be seen for almost three seconds.

document.documentElement.style.visibility = "hidden";
setTimeout(() => {
  document.documentElement.style.visibility = "";
}, 2800 - performance.now());
