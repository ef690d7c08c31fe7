import datetime as dt
import re
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client

from demo_project.orders.models import Order, Parcel, Product
from demo_project.weather.analysis import extremes, monthly_climate, rain_and_dry_spells, wind
from demo_project.weather.report import Basis, alert_text, join
from demo_project.weather.rows import parse
from demo_project.weather.storage import save_report

HOSTILE = "<script>alert(1)</script>\"'&{{ x }}"
HEADER = "date,precipitation,temp_max,temp_min,wind,weather"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_site")]


def a_report(*, source="mine.csv", hot=30.0, rows=()):
    lines = [HEADER, *rows]
    for number in range(40):
        day = dt.date(2020, 7, 1) + dt.timedelta(days=number)
        lines.append(f"{day},{number % 4},{25 + number % 9},12,{number % 7},sun")
    read = parse("\n".join(lines).encode(), source=source)
    parts = (
        monthly_climate(read.days, wet_day_mm=1.0),
        extremes(read.days, hot_celsius=hot, wave_days=3),
        rain_and_dry_spells(read.days, wet_day_mm=1.0),
        wind(read.days),
    )
    basis = Basis(source=source, hot_celsius=hot, wave_days=3, wet_day_mm=1.0)
    written = join(read, basis, parts)
    if written.extremes.heat_waves:
        alert = alert_text(written.extremes.heat_waves, basis)
        written = written.model_copy(update={"alert": alert})
    return save_report(uuid4(), written)


def an_order(number=1001, **fields):
    product, _ = Product.objects.get_or_create(
        sku="pot", defaults={"name": "Pot", "price_cents": 1000, "stock": 3}
    )
    values = {"customer": "Ada", "quantity": 2, "total_cents": 2000, **fields}
    return Order.objects.create(number=number, product=product, **values)


def page(path, status=200):
    response = Client().get(path)
    assert response.status_code == status
    return response.content.decode()


@pytest.mark.parametrize("path", ["/", "/reports/", "/orders/"])
def test_pages_work_before_anything_was_run(path):
    assert "demo</code>" in page(path) or "demo</code></pre>" in page(path)


@pytest.mark.parametrize("path", ["/", "/reports/", "/orders/", "/api/docs/", "/admin/login/"])
def test_every_page_carries_the_content_security_policy(path):
    policy = Client().get(path).headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy


def test_a_report_is_told_in_words_charts_and_tables():
    html = page(a_report().get_absolute_url())

    assert "Heat-wave alert" in html
    assert html.count('role="img"') == html.count("<desc ") == 4
    assert html.count("<details>") == 4, "each chart has its table"
    assert "every row of the file was good" in html


def test_a_report_without_heat_wave_says_so():
    html = page(a_report(hot=50.0).get_absolute_url())

    assert "Heat-wave alert" not in html
    assert "never 3 days in a row at 50 °C" in html


def test_bad_rows_are_listed_with_line_and_reason():
    html = page(a_report(rows=["2020-06-30,0,1,9,1,sun"]).get_absolute_url())

    assert "temp_min 9 is above temp_max 1" in html
    assert '<th scope="row">2</th>' in html


def test_what_a_file_says_is_escaped():
    html = page(a_report(source=HOSTILE, rows=[HOSTILE]).get_absolute_url())

    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "{{ x }}" in html, "and it is not taken for a template"


def test_what_a_customer_says_is_escaped():
    order = an_order(customer=HOSTILE, is_gift=True, gift_message=HOSTILE)
    Parcel.objects.create(order=order, tracking_number="GK1", wrapped=True, card_text=HOSTILE)

    assert "<script" not in page("/orders/")


def test_pages_have_no_inline_script_style_or_handlers_and_load_nothing_from_elsewhere():
    an_order()
    for path in ("/", "/reports/", "/orders/", "/api/docs/", a_report().get_absolute_url()):
        html = page(path)
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script", html), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//', html), path


VIEWERS = ("/api/docs/swagger/", "/api/docs/redoc/")


@pytest.mark.parametrize("path", VIEWERS)
def test_the_apis_viewers_are_our_own_files_alone_with_nothing_inline(path):
    response = Client().get(path)
    html, policy = response.content.decode(), response["Content-Security-Policy"]

    files = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert len(files) >= 5
    for name in files:
        assert name.startswith("/"), name
        assert not name.startswith("//"), name
        found = Client().get(name) if name.startswith("/api") else finders.find(name[8:])
        assert found, name
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src)", html)
    assert policy.startswith("default-src 'self'; img-src 'self' data:;")
    assert "unsafe" not in policy


def test_redocs_script_is_changed_to_ask_no_other_host_and_to_keep_the_policy():
    text = Client().get("/api/docs/redoc.js").content.decode()

    assert "Redoc" in text
    assert "cdn." not in text
    assert text.count(".nc=document.currentScript.nonce") == 1


def test_each_redoc_page_has_a_nonce_of_its_own():
    pages = [Client().get("/api/docs/redoc/") for _ in range(2)]

    nonces = {
        re.search(r"nonce-([\w-]{20,})'", page["Content-Security-Policy"])[1] for page in pages
    }
    assert len(nonces) == 2


def test_the_viewers_are_linked_from_the_home_page_and_the_list_of_operations():
    for path in ("/", "/api/docs/"):
        assert all(f'href="{viewer}"' in page(path) for viewer in VIEWERS)


def test_a_report_that_is_not_there_is_a_404_with_a_way_back():
    assert 'href="/"' in page("/reports/999/", status=404)


def test_too_high_a_page_number_shows_the_last_page():
    an_order()

    assert "1001" in page("/orders/?page=99")


def test_the_orders_page_asks_the_database_as_often_for_many_as_for_one(
    django_assert_max_num_queries,
):
    for number in range(1001, 1025):
        an_order(number)

    with django_assert_max_num_queries(4):
        page("/orders/")


def test_the_admin_is_reached_with_a_superusers_login():
    User.objects.create_superuser("boss", password="a long one 1")  # noqa: S106
    client = Client()

    assert client.login(username="boss", password="a long one 1")
    assert client.get("/admin/").status_code == 200
