"""`/orders/`."""

from django.urls import path

from demo_project.orders.views import order_list

app_name = "orders"
urlpatterns = [path("", order_list, name="orders")]
