// Shapes are in pixels of their picture, whose size only the browser knows.
window.addEventListener("DOMContentLoaded", () => {
  for (const image of document.querySelectorAll(".picture img")) {
    const fit = () => {
      if (image.naturalWidth)
        image.nextElementSibling.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`)
    }
    image.complete ? fit() : image.addEventListener("load", fit)
  }
})
