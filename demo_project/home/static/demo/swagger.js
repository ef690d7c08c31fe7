"use strict";
{
  const place = document.querySelector("#swagger");
  const cookie = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  SwaggerUIBundle({
    domNode: place,
    url: place.dataset.schema,
    deepLinking: true,
    validatorUrl: null,  // it is on another host
    requestInterceptor: (request) => {
      // Who is logged in acts by the session's cookie, of which Django wants to see more.
      if (!request.loadSpec && cookie()) request.headers["X-CSRFToken"] = cookie()[1];
      return request;
    },
  });
}
