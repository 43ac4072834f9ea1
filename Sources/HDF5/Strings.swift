import CHDF5

/// Strings one after another, each padded with zeros (or cut) to `bytes` bytes.
func packStrings(_ strings: [String], bytes: Int) -> [UInt8] {
    var packed = [UInt8](repeating: 0, count: strings.count * bytes)
    for (index, string) in strings.enumerated() {
        for (offset, byte) in string.utf8.prefix(bytes).enumerated() { packed[index * bytes + offset] = byte }
    }
    return packed
}

/// Calls `body` with pointers to zero-terminated copies of the strings, valid during the call.
func withCStrings<T>(_ strings: [String], _ body: ([UnsafePointer<CChar>?]) throws -> T) throws -> T {
    var text: [CChar] = []
    var starts: [Int] = []
    for string in strings {
        starts.append(text.count)
        text.append(contentsOf: string.utf8.map { CChar(bitPattern: $0) })
        text.append(0)
    }
    return try text.withUnsafeBufferPointer { buffer in
        try body(starts.map { start in buffer.baseAddress.map { $0 + start } })
    }
}

/// Reads `count` strings of fixed or variable length through `read(memory type, buffer)`.
func readStrings(type: borrowing Datatype, space: borrowing Dataspace, count: Int, _ place: Place,
                 _ read: (hid_t, UnsafeMutableRawPointer?) -> herr_t) throws -> [String] {
    // Memory types are copies of the stored one: HDF5 does not convert between character sets.
    switch ElementClass(type.identifier) {
    case .fixedString(let bytes):
        guard bytes <= 1 << 20, count * bytes <= 1 << 34 else {
            throw place.failure("read the strings", .malformed, "they are \(count) of \(bytes) bytes")
        }
        var packed = [UInt8](repeating: 0, count: count * bytes)
        if count > 0 {
            try place.check(packed.withUnsafeMutableBytes { read(type.identifier, $0.baseAddress) }, "read the strings",
                            .malformed)
        }
        let padding: UInt8 = H5Tget_strpad(type.identifier) == H5T_STR_SPACEPAD ? 0x20 : 0
        return (0..<count).map { index in
            var slice = packed[index * bytes..<(index + 1) * bytes]
            if padding == 0 { slice = slice.prefix { $0 != 0 } }
            while slice.last == padding { slice.removeLast() }
            return String(decoding: slice, as: UTF8.self)
        }
    case .variableString:
        if count == 0 { return [] }
        var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
        try place.check(pointers.withUnsafeMutableBytes { read(type.identifier, $0.baseAddress) }, "read the strings",
                        .malformed)
        let strings = pointers.map { $0.map { String(cString: $0) } ?? "" }
        _ = pointers.withUnsafeMutableBytes {
            H5Dvlen_reclaim(type.identifier, space.identifier, sages_h5_property_default(), $0.baseAddress)
        }
        return strings
    default:
        throw place.failure("read the strings", .malformed, "it does not hold strings")
    }
}

/// Current and largest extents of a dataspace; nil stands for unlimited. A scalar has no axes.
func shapeAndMaximum(of space: borrowing Dataspace, _ place: Place) throws -> (shape: [Int], maximum: [Int?]) {
    let rank = try place.check(H5Sget_simple_extent_ndims(space.identifier), "read the shape", .malformed)
    var current = [hsize_t](repeating: 0, count: Int(rank))
    var largest = current
    if rank > 0 {
        try place.check(H5Sget_simple_extent_dims(space.identifier, &current, &largest), "read the shape", .malformed)
    }
    let shape = try current.map { extent -> Int in
        guard let value = Int(exactly: extent) else {
            throw place.failure("read the shape", .malformed, "an extent of \(extent) is too large")
        }
        return value
    }
    return (shape, largest.map { $0 == sages_h5_unlimited() ? nil : Int(exactly: $0) })
}
