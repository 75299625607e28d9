def percent(share: float, decimals: int = 1) -> str:
    """Format a share from 0 to 1: 0%, 5.4%, 100%; only exactly 0 and 1 have no decimals."""
    return f"{share:.{0 if share in (0, 1) else decimals}%}"
