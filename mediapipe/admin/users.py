"""Users and roles, without ways to gain rights or to remove evidence; and the audit trail."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.models import ACTION_FLAG_CHOICES, LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.db.models import Count, Field, ManyToManyField, Q, QuerySet
from django.forms import CheckboxSelectMultiple, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mediapipe.admin import text
from mediapipe.admin.filters import Choice, ExactFilter, NamedBooleanFilter, PeriodFilter
from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.operations import roles
from mediapipe.operations.roles import ADMINISTRATOR, PERMISSIONS

DEACTIVATE = "Unselect this instead of deleting a user: the audit trail refers to users."
WHAT_ROLES_MAY = (
    "Viewers see everything but phone numbers and texts. Support also sees those, retries, exports "
    "and manages incidents. Administrators also manage users. Without a role there is no access."
)


def _exceeds(granted: QuerySet[Permission], user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether any of these permissions is one that the user does not have."""
    names = granted.values_list("content_type__app_label", "codename")
    return not user.has_perms([f"{app}.{codename}" for app, codename in names])  # type: ignore[union-attr]


# Registered by the import above.
admin.site.unregister([User, Group])


class RoleFilter(admin.RelatedFieldListFilter):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = "role"


class ActiveFilter(NamedBooleanFilter):
    filter_title = "state"
    names: ClassVar[dict[str, str]] = {"Yes": "Active", "No": "Deactivated"}


@admin.register(User)
class AccountAdmin(UserAdmin[User]):
    """Users of the admin. Rights come from roles; administrators grant only rights that they have.

    An administrator cannot change a user with more rights, such as a superuser: setting a new
    password would be enough to take over the account.
    """

    explanation = "Who may log in to the admin. A user may do what their role permits."
    docs = "admin.md#roles"
    search_help_text = "A user name, a name or an e-mail address, or a part of it."
    list_display = ("username", "name", "email", "role", "state", "last_seen")
    list_filter = (("is_active", ActiveFilter), ("groups", RoleFilter))
    readonly_fields = ("last_login", "date_joined")
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2", "groups")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Return the fields; only a superuser can make others superusers."""
        if obj is None:
            return self.add_fieldsets
        is_superuser = getattr(request.user, "is_superuser", False)
        rights = ("groups", "is_active", *(["is_superuser"] if is_superuser else []))
        person = ("username", "password", "first_name", "last_name", "email")
        return [(None, {"fields": (*person, *rights, "last_login", "date_joined")})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: together with a user, Django would delete their audit trail entries."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        if obj is None or getattr(request.user, "is_superuser", False):
            return True
        # Not user.get_all_permissions(), which is empty for a deactivated user.
        granted = Permission.objects.filter(Q(group__user=obj) | Q(user=obj))
        return not obj.is_superuser and not _exceeds(granted, request.user)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the roles; a user with at least one may log in."""
        super().save_related(request, form, formsets, change)
        user = form.instance
        user.is_staff = user.is_superuser or user.groups.exists()
        user.save(update_fields=["is_staff"])

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "is_active":
            kwargs["help_text"] = DEACTIVATE
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "groups":
            # Roles have their own page.
            field.widget.can_add_related = False
        return field

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """Offer only roles whose rights the administrator has too."""
        if db_field.name == "groups":
            groups = Group.objects.all()
            within = [
                each.pk for each in groups if not _exceeds(each.permissions.all(), request.user)
            ]
            kwargs |= {
                "queryset": Group.objects.filter(pk__in=within),
                "widget": CheckboxSelectMultiple,
                "label": "Roles",
                "help_text": WHAT_ROLES_MAY,
            }
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description="name")
    def name(self, user: User) -> str:
        return user.get_full_name() or "-"

    @admin.display(description="role")
    def role(self, user: User) -> str:
        return ", ".join(roles.names(user)) or "none"

    @admin.display(description="state", ordering="is_active")
    def state(self, user: User) -> str:
        return "active" if user.is_active else "deactivated"

    @admin.display(description="last login", ordering="last_login")
    def last_seen(self, user: User) -> str:
        return text.timestamp(user.last_login) if user.last_login else "never"


class PermissionChoices(ModelMultipleChoiceField[Permission]):
    def label_from_instance(self, obj: Permission) -> str:
        """Return "Can view media item", without the app and the model in front of it."""
        return obj.name


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    """The roles, which are Django's groups, with the permissions that have an effect here."""

    explanation = (
        "What the users of each role may do. Viewer, Support and Administrator are reset by each "
        "migrate; for other rights a superuser adds a role."
    )
    docs = "admin.md#roles"
    list_title = "Roles"
    search_fields = ()
    actions = None
    list_display = ("name", "users")
    filter_horizontal = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(number=Count("user"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "permissions" if self.has_change_permission(request, obj) else "allows")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("allows",)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """Offer only the permissions of administrators: no others have a page here."""
        kwargs |= {
            "queryset": Permission.objects.filter(PERMISSIONS[ADMINISTRATOR]),
            "form_class": PermissionChoices,
            "widget": CheckboxSelectMultiple,
        }
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        context["title"] = context["title"].replace("group", "role")
        return super().render_change_form(request, context, *args, **options)

    @admin.display(description="users", ordering="number")
    def users(self, role: Any) -> str:
        return text.grouped(role.number)

    @admin.display(description="permissions")
    def allows(self, role: Group) -> SafeString:
        names = role.permissions.values_list("name")
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", names))


class TimeFilter(PeriodFilter):
    title = "time"
    column = "action_time"


class ActionFilter(ExactFilter):
    title = "action"
    parameter_name = "action_flag__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(str(flag), str(label)) for flag, label in ACTION_FLAG_CHOICES]


@admin.register(LogEntry)
class AuditTrailAdmin(ReadOnlyAdmin):
    """Who changed, exported, packaged, retried or erased what; it cannot be edited."""

    list_display = ("at", "user", "what", "subject", "message")
    explanation = (
        "Who changed, exported, retried, gave up on or erased what. Entries cannot be edited or "
        "deleted."
    )
    empty = "No user has changed anything yet."
    list_title = "Audit trail"
    list_filter = (TimeFilter, ActionFilter)
    list_select_related = ("user", "content_type")
    ordering = ("-action_time", "-pk")
    sortable_by = ()
    fields = readonly_fields = ("at", "user", "what", "subject", "message")

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
