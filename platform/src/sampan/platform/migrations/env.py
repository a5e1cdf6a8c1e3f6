"""Alembic's entry: connects, and compares with the tables that the platform and the components declare."""

from alembic import context
from sqlalchemy import create_engine

from sampan.platform.app import built_in_components
from sampan.platform.component import discover
from sampan.platform.engines.tables import metadata

for component in discover(built_in_components()):
    component.everything()  # importing it declares the tables

engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "")
with engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
