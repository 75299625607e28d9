"""Users, without the ways to gain rights or to remove evidence; and the audit trail."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.db.models import Field, ManyToManyField, Q, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse

from mediapipe.admin import text
from mediapipe.admin.readonly import ReadOnlyAdmin

DEACTIVATE = "Unselect this instead of deleting a user: the audit trail refers to users."


def _exceeds(granted: QuerySet[Permission], user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether any of these permissions is one that the user does not have."""
    names = granted.values_list("content_type__app_label", "codename")
    return not user.has_perms([f"{app}.{codename}" for app, codename in names])  # type: ignore[union-attr]


# Registered by the import above.
admin.site.unregister(User)


@admin.register(User)
class AccountAdmin(UserAdmin[User]):
    """Users of the admin. Rights come from roles, and only as far as the one who gives them goes.

    A user with more rights than the administrator, such as a superuser, cannot be changed by them:
    a new password would be enough to take the account over.
    """

    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Personal info", {"fields": ("first_name", "last_name", "email")}),
        ("Roles", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Important dates", {"fields": ("last_login", "date_joined")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return false for everyone: with a user, Django would delete their audit trail."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        if obj is None or getattr(request.user, "is_superuser", False):
            return True
        # Not user.get_all_permissions(), which is empty for a deactivated user.
        granted = Permission.objects.filter(Q(group__user=obj) | Q(user=obj))
        return not obj.is_superuser and not _exceeds(granted, request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        is_superuser = getattr(request.user, "is_superuser", False)
        return ("last_login", "date_joined", *(() if is_superuser else ("is_superuser",)))

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "is_active":
            kwargs["help_text"] = DEACTIVATE
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """Offer the groups that have no right which the administrator lacks."""
        if db_field.name == "groups":
            groups = Group.objects.all()
            within = [
                each.pk for each in groups if not _exceeds(each.permissions.all(), request.user)
            ]
            kwargs["queryset"] = Group.objects.filter(pk__in=within)
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(LogEntry)
class AuditTrailAdmin(ReadOnlyAdmin):
    """Who changed, exported, packaged, retried or erased what; it cannot be edited."""

    list_display = ("at", "user", "what", "subject", "message")
    list_filter = ("action_flag", "action_time")
    list_select_related = ("user", "content_type")
    ordering = ("-action_time", "-pk")
    sortable_by = ()
    fields = readonly_fields = ("at", "user", "what", "subject", "message")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Audit trail", **(extra_context or {})})

    @admin.display(description="time", ordering="action_time")
    def at(self, entry: LogEntry) -> str:
        return text.timestamp(entry.action_time)

    @admin.display(description="action")
    def what(self, entry: LogEntry) -> str:
        return entry.get_action_flag_display()

    @admin.display(description="subject")
    def subject(self, entry: LogEntry) -> str:
        kind = f"{entry.content_type.name} " if entry.content_type else ""
        return text.plain(f"{kind}{entry.object_repr}")

    @admin.display(description="details")
    def message(self, entry: LogEntry) -> str:
        return text.plain(entry.get_change_message()) or "-"
