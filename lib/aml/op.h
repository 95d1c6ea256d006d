/* SPDX-License-Identifier: BSD-2-Clause */
/* Opcodes of the ACPI Machine Language (ACPI 6.3, 20.3 "AML Byte Stream Byte Values").
 * Two-byte opcodes are written high byte first: 0x5bxx is ExtOpPrefix xx, 0x92xx is LNotOp xx. */
#ifndef TN_AML_OP_H
#define TN_AML_OP_H

enum aml_op {
    /* Data (20.2.3) */
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_BYTE_PREFIX = 0x0a,
    AML_WORD_PREFIX = 0x0b,
    AML_DWORD_PREFIX = 0x0c,
    AML_STRING_PREFIX = 0x0d,
    AML_QWORD_PREFIX = 0x0e,
    AML_BUFFER = 0x11,
    AML_PACKAGE = 0x12,
    AML_VAR_PACKAGE = 0x13,
    AML_ONES = 0xff,
    AML_REVISION = 0x5b30,
    /* Names (20.2.2) */
    AML_DUAL_NAME = 0x2e,
    AML_MULTI_NAME = 0x2f,
    AML_ROOT = 0x5c,
    AML_PARENT = 0x5e,
    /* Name space modifiers and named objects (20.2.5.1, 20.2.5.2) */
    AML_ALIAS = 0x06,
    AML_NAME = 0x08,
    AML_SCOPE = 0x10,
    AML_METHOD = 0x14,
    AML_EXTERNAL = 0x15,
    AML_CREATE_DWORD_FIELD = 0x8a,
    AML_CREATE_WORD_FIELD = 0x8b,
    AML_CREATE_BYTE_FIELD = 0x8c,
    AML_CREATE_BIT_FIELD = 0x8d,
    AML_CREATE_QWORD_FIELD = 0x8f,
    AML_MUTEX = 0x5b01,
    AML_EVENT = 0x5b02,
    AML_CREATE_FIELD = 0x5b13,
    AML_OP_REGION = 0x5b80,
    AML_FIELD = 0x5b81,
    AML_DEVICE = 0x5b82,
    AML_PROCESSOR = 0x5b83,
    AML_POWER_RES = 0x5b84,
    AML_THERMAL_ZONE = 0x5b85,
    AML_INDEX_FIELD = 0x5b86,
    AML_BANK_FIELD = 0x5b87,
    AML_DATA_REGION = 0x5b88,
    /* Arguments and locals (20.2.6) */
    AML_LOCAL0 = 0x60,
    AML_ARG0 = 0x68,
    AML_DEBUG = 0x5b31,
    /* Statements (20.2.5.3) */
    AML_CONTINUE = 0x9f,
    AML_IF = 0xa0,
    AML_ELSE = 0xa1,
    AML_WHILE = 0xa2,
    AML_NOOP = 0xa3,
    AML_RETURN = 0xa4,
    AML_BREAK = 0xa5,
    AML_BREAK_POINT = 0xcc,
    AML_NOTIFY = 0x86,
    AML_STALL = 0x5b21,
    AML_SLEEP = 0x5b22,
    AML_SIGNAL = 0x5b24,
    AML_RESET = 0x5b26,
    AML_RELEASE = 0x5b27,
    AML_FATAL = 0x5b32,
    /* Expressions (20.2.5.4); operands follow in this order, Target last */
    AML_STORE = 0x70, /* value, target */
    AML_REF_OF = 0x71,
    AML_ADD = 0x72, /* a, b, target: so all two-operand arithmetic */
    AML_CONCAT = 0x73,
    AML_SUBTRACT = 0x74,
    AML_INCREMENT = 0x75,
    AML_DECREMENT = 0x76,
    AML_MULTIPLY = 0x77,
    AML_DIVIDE = 0x78, /* a, b, remainder, quotient */
    AML_SHIFT_LEFT = 0x79,
    AML_SHIFT_RIGHT = 0x7a,
    AML_AND = 0x7b,
    AML_NAND = 0x7c,
    AML_OR = 0x7d,
    AML_NOR = 0x7e,
    AML_XOR = 0x7f,
    AML_NOT = 0x80, /* a, target */
    AML_FIND_SET_LEFT_BIT = 0x81,
    AML_FIND_SET_RIGHT_BIT = 0x82,
    AML_DEREF_OF = 0x83,
    AML_CONCAT_RES = 0x84,
    AML_MOD = 0x85,
    AML_SIZE_OF = 0x87,
    AML_INDEX = 0x88, /* buffer, string or package; index; target */
    AML_OBJECT_TYPE = 0x8e,
    AML_LAND = 0x90, /* a, b: so all logical operators but LNot */
    AML_LOR = 0x91,
    AML_LNOT = 0x92, /* a */
    AML_LEQUAL = 0x93,
    AML_LGREATER = 0x94,
    AML_LLESS = 0x95,
    AML_LNOT_EQUAL = 0x9293,
    AML_LLESS_EQUAL = 0x9294,
    AML_LGREATER_EQUAL = 0x9295,
    AML_TO_BUFFER = 0x96,
    AML_TO_DECIMAL_STRING = 0x97,
    AML_TO_HEX_STRING = 0x98,
    AML_TO_INTEGER = 0x99,
    AML_TO_STRING = 0x9c,
    AML_COPY_OBJECT = 0x9d,
    AML_MID = 0x9e,
    AML_COND_REF_OF = 0x5b12,
    AML_LOAD = 0x5b20,
    AML_ACQUIRE = 0x5b23,
    AML_WAIT = 0x5b25,
    AML_FROM_BCD = 0x5b28,
    AML_TO_BCD = 0x5b29,
    AML_TIMER = 0x5b33,
};

#define AML_EXT_PREFIX 0x5b /* ExtOpPrefix */

/* Elements of a FieldList other than a NamedField (20.2.5.2) */
enum {
    AML_FIELD_RESERVED = 0x00,
    AML_FIELD_ACCESS = 0x01,
    AML_FIELD_CONNECT = 0x02,
    AML_FIELD_EXT_ACCESS = 0x03
};

/* The largest value that a PkgLength can hold (20.2.4): 28 bits */
#define AML_PKG_LENGTH_MAX 0x0fffffffu

#endif
