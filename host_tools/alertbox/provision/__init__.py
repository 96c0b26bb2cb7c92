"""`alertbox provision`: from a technician's answers or a `shop.toml` to a box that holds them.

The way of the data: `wizard` or `shopfile` give settings (`numbers` and `sms` help), `report` shows them, `writing`
puts them into the box and reads them back.
"""
