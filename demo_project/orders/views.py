"""The orders' page: every order with its latest run."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from demo_project.home.runs import latest_by_resource
from demo_project.orders.models import Order
from demo_project.orders.workflows import fulfil_order

PER_PAGE = 25


def order_list(request: HttpRequest) -> HttpResponse:
    orders = Order.objects.select_related("product", "parcel")
    page = Paginator(orders, PER_PAGE).get_page(request.GET.get("page"))
    runs = latest_by_resource(fulfil_order.id, [order.resource_id for order in page])
    rows = [(order, runs.get(order.resource_id)) for order in page]
    return render(
        request, "orders/order_list.html", {"section": "orders", "page_obj": page, "rows": rows}
    )
