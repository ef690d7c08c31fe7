"use strict";
{
  const place = document.querySelector("#redoc");
  // A search would be a worker made of a blob.
  Redoc.init(place.dataset.schema, { disableSearch: true }, place);
}
