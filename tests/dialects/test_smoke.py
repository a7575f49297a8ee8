async def test_a_page(ask, make_title, give):
    title = await make_title(achievements=5)
    await give(title, {2: 10**17})

    page = await ask(titleId=title, maxItems=2)

    assert [item["id"] for item in page["achievements"]] == ["1", "2"]
    assert page["achievements"][1]["progressState"] == "Achieved"
    rest = await ask(titleId=title, maxItems=2, continuationToken=page["pagingInfo"]["continuationToken"])
    assert [item["id"] for item in rest["achievements"]] == ["3", "4"]
