namespace PipeForkAs.Daemon.Configuration;

/// <summary>What the value of a key is.</summary>
internal enum ValueKind
{
    /// <summary>A text; the check of all values knows its form.</summary>
    Text,

    /// <summary>true or false.</summary>
    Flag,

    /// <summary>A whole number of 32 bits.</summary>
    Whole,

    /// <summary>A whole number of 64 bits.</summary>
    LongWhole,

    /// <summary>A whole number of 32 bits without a sign.</summary>
    Id,

    /// <summary>A number of bytes: a whole number, or one with the unit K, M or G.</summary>
    Size,

    /// <summary>A time: <c>hh:mm:ss</c>, or a number with a unit.</summary>
    Time,

    /// <summary>A decimal number.</summary>
    Number,
}
